#include "bridge/process/jobs.h"
#include <stdlib.h>
#include <string.h>

void jobs_init(struct jobs *list)
{
	*list = (struct jobs){.last = &list->first};
}

void jobs_put(struct jobs *list, struct job *j)
{
	j->in = list;
	j->next = NULL;
	j->at = list->last;
	*list->last = j;
	list->last = &j->next;
	list->n++;
}

void jobs_take(struct job *j)
{
	*j->at = j->next;
	*(j->next ? &j->next->at : &j->in->last) = j->at;
	j->in->n--;
}

static void job_free(struct job *j)
{
	if (!j->why) /* else it was wiped, or there is nothing */
		explicit_bzero(j->data, j->len);
	free(j);
}

void jobs_free(struct jobs *list)
{
	for (struct job *j = list->first, *next; j; j = next) {
		next = j->next;
		job_free(j);
	}
}

void jobs_end(struct job *j, const uint8_t *data, size_t len, const char *why)
{
	jobs_take(j);
	if (j->cb)
		j->cb(j->arg, data, len, why);
	job_free(j);
}
