#include "bridge/process/verb.h"
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include "bridge/process/spawn.h"

enum { WORDS_MAX = 16 };

static void too_long(void *arg)
{
	const struct verb *v = arg;

	kill(v->pid, SIGKILL);
}

bool verb_start(struct verb *v, struct loop *l, const char *conf_path, const char *const *words, int64_t ms)
{
	char *argv[WORDS_MAX] = {(char *)"availbridge", (char *)"-c", (char *)conf_path};
	int ends[2];

	for (size_t n = 3; *words && n < WORDS_MAX - 1; n++)
		argv[n] = (char *)*words++;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	v->pid = spawn_verb(argv, ends[1]);
	close(ends[1]);
	if (v->pid < 0) {
		v->pid = 0;
		close(ends[0]);
		return false;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	v->output = ends[0];
	v->patience = loop_timer_new(l, ms, too_long, v);
	return true;
}

static void let_go(struct verb *v)
{
	close(v->output);
	loop_timer_free(v->patience);
	*v = (struct verb){0};
}

void verb_end(struct verb *v, char *out, size_t size)
{
	ssize_t n = read(v->output, out, size - 1);

	out[n > 0 ? n : 0] = 0;
	for (char *s = out; *s; s++)
		if (*s == '\n')
			*s = s[1] ? ' ' : 0;
	let_go(v);
}

void verb_kill(struct verb *v)
{
	if (!v->pid)
		return;
	kill(v->pid, SIGKILL);
	let_go(v);
}
