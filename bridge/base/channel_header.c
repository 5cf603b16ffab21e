#include "bridge/base/channel_own.h"

void channel_put_u32(uint8_t *to, uint32_t v)
{
	to[0] = (uint8_t)v, to[1] = (uint8_t)(v >> 8), to[2] = (uint8_t)(v >> 16), to[3] = (uint8_t)(v >> 24);
}

void channel_put_header(uint8_t *h, size_t len, uint16_t type, uint16_t flags)
{
	channel_put_u32(h, (uint32_t)len);
	h[4] = (uint8_t)type, h[5] = (uint8_t)(type >> 8);
	h[6] = (uint8_t)flags, h[7] = (uint8_t)(flags >> 8);
}

const struct channel_type *channel_check_header(const struct channel_type *types, size_t n, const uint8_t *h, size_t *len,
                                                const char **why)
{
	uint16_t type = (uint16_t)(h[4] | h[5] << 8), flags = (uint16_t)(h[6] | h[7] << 8);
	size_t i;

	*len = (size_t)h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16 | (size_t)h[3] << 24;
	for (i = 0; i < n; i++) {
		if (types[i].type != type)
			continue;
		if (*len > types[i].max)
			*why = "sent a message larger than its kind may be";
		else if (flags != (types[i].takes_fd ? CHANNEL_FLAG_FD : 0))
			*why = types[i].takes_fd ? "sent a message without its descriptor" : "sent a descriptor with a message that takes none";
		else
			return &types[i];
		return NULL;
	}
	*why = "sent a kind of message that it may not send";
	return NULL;
}
