#include "bridge/budget/shared_own.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/text.h"

/* The shared memory and its lock. */

#define LOCK_WAIT_NS 100000000

enum { VERSION_MARK = 0x42554401 };

static struct budget_segment *map(int fd)
{
	void *p = mmap(NULL, sizeof(struct budget_segment), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The lock outlives its holders: whoever dies with it passes it on. */
static int lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t how;
	int r = pthread_mutexattr_init(&how);

	if (r)
		return r;
	r = pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
	r = r ? r : pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
	r = r ? r : pthread_mutex_init(lock, &how);
	pthread_mutexattr_destroy(&how);
	return r;
}

static int fill(int fd)
{
	struct budget_segment *s;
	int r;

	if (ftruncate(fd, sizeof *s) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0 || !(s = map(fd)))
		return -1;
	text_random(s->hash_key, sizeof s->hash_key);
	r = lock_init(&s->lock);
	s->mark = VERSION_MARK;
	munmap(s, sizeof *s);
	errno = r;
	return r ? -1 : 0;
}

int budget_make(void)
{
	int fd = memfd_create("budgets", MFD_CLOEXEC | MFD_ALLOW_SEALING), e;

	if (fd >= 0 && fill(fd) != 0) {
		e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

struct budget *budget_open(int fd)
{
	const int seals = F_SEAL_GROW | F_SEAL_SHRINK;
	struct budget *b;
	struct stat st;

	/* Memory that shrinks would end the process that reads it. */
	if (fstat(fd, &st) != 0 || st.st_size != sizeof(struct budget_segment) || (fcntl(fd, F_GET_SEALS) & seals) != seals ||
	    !(b = calloc(1, sizeof *b)))
		return NULL;
	if ((b->s = map(fd)) && b->s->mark == VERSION_MARK)
		return b;
	budget_free(b);
	return NULL;
}

void budget_free(struct budget *b)
{
	if (b && b->s)
		munmap(b->s, sizeof *b->s);
	free(b);
}

/* A process that was stopped with the lock must not stop its brothers: after a moment it is a matter that cannot be told. */
bool budget_lock(struct budget_segment *s)
{
	struct timespec until;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOCK_WAIT_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	r = pthread_mutex_clocklock(&s->lock, CLOCK_MONOTONIC, &until);
	if (r == EOWNERDEAD)
		r = pthread_mutex_consistent(&s->lock);
	return r == 0;
}

void budget_unlock(struct budget_segment *s)
{
	pthread_mutex_unlock(&s->lock);
}
