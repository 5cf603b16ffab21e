#include "bridge/base/channel_own.h"
#include <errno.h>
#include <sys/socket.h>

/* 1 = all ${n} bytes, 0 = the end before the first, -1 = failed or ended in between. */
static int read_exactly(int sock, uint8_t *to, size_t n)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = recv(sock, to + done, n - done, 0);
		if (got == 0)
			return done ? -1 : 0;
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0)
			done += (size_t)got;
	}
	return 1;
}

int channel_read_blocking(int sock, const struct channel_type *types, size_t n, uint16_t *type, struct buf *data)
{
	const struct channel_type *row;
	uint8_t header[CHANNEL_HEADER], *to;
	const char *why;
	size_t len;
	int r;

	buf_reset(data);
	r = read_exactly(sock, header, sizeof header);
	if (r != 1)
		return r;
	row = channel_check_header(types, n, header, &len, &why);
	if (!row || !(to = buf_reserve(data, len)) || (len && read_exactly(sock, to, len) != 1))
		return -1;
	buf_commit(data, len);
	*type = row->type;
	return 1;
}

int channel_write_blocking(int sock, uint16_t type, const void *data, size_t len)
{
	uint8_t header[CHANNEL_HEADER];
	struct iovec iov[2] = {{header, CHANNEL_HEADER}, {(void *)data, len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	if (len > UINT32_MAX)
		return -1;
	channel_put_header(header, len, type, 0);
	while (iov[0].iov_len || iov[1].iov_len) {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return -1;
		for (int i = 0; n > 0 && i < 2; i++) {
			size_t part = (size_t)n < iov[i].iov_len ? (size_t)n : iov[i].iov_len;

			iov[i].iov_base = (char *)iov[i].iov_base + part;
			iov[i].iov_len -= part;
			n -= (ssize_t)part;
		}
	}
	return 0;
}
