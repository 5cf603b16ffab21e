/* links: base */
#include "bridge/base/arena.h"
#include "bridge/base/buf.h"
#include "bridge/base/pack.h"
#include "tests/unit/check.h"

static void test_buf(void)
{
	struct buf b;
	size_t i;

	buf_init(&b, 10);
	CHECK_STR(buf_cstr(&b), "");
	CHECK_INT(buf_puts(&b, "0123456789"), 0);
	CHECK_STR(buf_cstr(&b), "0123456789");
	CHECK_INT(buf_putc(&b, 'x'), -1);
	CHECK(b.failed && b.len == 10);
	CHECK_INT(buf_add(&b, "", 0), -1);
	buf_reset(&b);
	CHECK_INT(buf_puts(&b, "abcdef"), 0);
	buf_consume(&b, 4);
	CHECK_INT(buf_printf(&b, "%d", 12345678), 0); /* fits because what was consumed makes room */
	CHECK_STR(buf_cstr(&b), "ef12345678");
	CHECK_INT(buf_printf(&b, "%s", "y"), -1);
	buf_wipe(&b);
	CHECK(b.data == NULL && b.len == 0 && b.max == 10);
	buf_init(&b, 1 << 20);
	for (i = 0; i < 10000; i++)
		buf_putu(&b, i % 10);
	CHECK(!b.failed && b.len == 10000 && buf_ptr(&b)[9999] == '9');
	CHECK(buf_reserve(&b, SIZE_MAX) == NULL);
	buf_free(&b);
	buf_putu(&b, UINT64_MAX);
	CHECK_STR(buf_cstr(&b), "18446744073709551615");
	buf_free(&b);
	buf_free(NULL);
}

static void test_arena(void)
{
	struct arena *a = arena_new(100000);
	char *s;
	size_t i;

	s = arena_strdup(a, "hello");
	CHECK_STR(s, "hello");
	CHECK(arena_strdup(a, NULL) == NULL);
	CHECK_STR(arena_strndup(a, "abcdef", 3), "abc");
	for (i = 0; i < 1000; i++) {
		char *p = arena_alloc(a, i % 7 + 1);

		if (!p || (uintptr_t)p % _Alignof(max_align_t) || p[0] || p[i % 7])
			break;
		memset(p, 1, i % 7 + 1);
	}
	CHECK_INT(i, 1000);
	CHECK_STR(s, "hello");
	CHECK(arena_alloc(a, 50000) != NULL && arena_alloc(a, 50000) == NULL);
	CHECK(arena_alloc(a, SIZE_MAX) == NULL && arena_alloc(a, SIZE_MAX - 8) == NULL);
	CHECK(arena_used(a) <= 100000);
	arena_reset(a);
	CHECK_INT(arena_used(a), 0);
	for (i = 0; i < 2; i++) { /* as much again, all of it zeroed */
		char *p = arena_alloc(a, i ? 99000 : 900);

		CHECK(p && !p[0] && memcmp(p, p + 1, i ? 98999 : 899) == 0);
	}
	arena_free(a);
	arena_free(NULL);
}

static void make_message(struct buf *b)
{
	pack_u8(b, 200);
	pack_str(b, "mailbox");
	pack_u32(b, 0x80000001);
	pack_str(b, NULL);
	pack_u64(b, UINT64_MAX - 1);
	pack_str(b, "");
}

static void test_pack(void)
{
	struct buf b;
	struct unpack u;

	buf_init(&b, 1000);
	make_message(&b);
	CHECK(!b.failed);
	u = unpack_start(buf_ptr(&b), b.len);
	CHECK_INT(unpack_u8(&u), 200);
	CHECK_STR(unpack_str(&u), "mailbox");
	CHECK_INT(unpack_u32(&u), 0x80000001);
	CHECK_STR(unpack_str(&u), NULL);
	CHECK(!u.bad && !unpack_done(&u));
	CHECK(unpack_u64(&u) == UINT64_MAX - 1);
	CHECK_STR(unpack_str(&u), "");
	CHECK(unpack_done(&u));
	CHECK_INT(unpack_u8(&u), 0);
	CHECK(u.bad && !unpack_done(&u));
	buf_free(&b);
}

/* Each prefix of a good message, and each byte changed: never past the end, never a string without its zero. */
static void test_pack_damage(void)
{
	struct buf b;
	struct unpack u;
	const char *s;
	uint8_t *copy;
	size_t n, bit;

	buf_init(&b, 1000);
	make_message(&b);
	for (n = 0; n < b.len; n++)
		for (bit = 0; bit < 9; bit++) {
			size_t size = bit == 8 ? n : b.len;

			copy = malloc(size ? size : 1); /* its own block, so that the sanitizer sees a byte too far */
			memcpy(copy, buf_ptr(&b), size);
			if (bit < 8)
				copy[n] ^= (uint8_t)(1 << bit);
			u = unpack_start(copy, size);
			unpack_u8(&u);
			if ((s = unpack_str(&u)))
				CHECK((const uint8_t *)s + strlen(s) < copy + size);
			unpack_u32(&u);
			unpack_str(&u);
			unpack_u64(&u);
			unpack_str(&u);
			if (bit == 8)
				CHECK(!unpack_done(&u));
			free(copy);
		}
	buf_free(&b);
	u = unpack_start("\x03\0\0\0a\0b", 7); /* a zero inside: not what was packed */
	CHECK(unpack_str(&u) == NULL && u.bad);
	u = unpack_start("\x02\0\0\0ab", 6);
	CHECK(unpack_str(&u) == NULL && u.bad);
	u = unpack_start("\xff\xff\xff\xff", 4);
	CHECK(unpack_str(&u) == NULL && u.bad);
}

int main(void)
{
	test_buf();
	test_arena();
	test_pack();
	test_pack_damage();
	return check_done();
}
