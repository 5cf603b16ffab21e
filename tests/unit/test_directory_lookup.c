/* links: base availability conf pki directory */
#include "bridge/directory/directory.h"
#include "tests/unit/check.h"

int main(void)
{
	char *members[] = {"zoe@a.example", "b.example", "anna@a.example"}, *hidden[] = {"ghost@a.example", "boss@a.example"};
	struct conf_group groups[] = {{"board", members, 3}, {"empty", NULL, 0}};
	struct conf c = {.hidden = hidden, .n_hidden = 2, .groups = groups, .n_groups = 2};
	struct directory *d = directory_new(&c);

	CHECK_INT(directory_member(d, "board", "anna@a.example"), FB_YES);
	CHECK_INT(directory_member(d, "board", "zoe@a.example"), FB_YES);
	CHECK_INT(directory_member(d, "board", "carl@b.example"), FB_YES);
	CHECK_INT(directory_member(d, "board", "carl@x.b.example"), FB_NO);
	CHECK_INT(directory_member(d, "board", "carl@a.example"), FB_NO);
	CHECK_INT(directory_member(d, "empty", "anna@a.example"), FB_NO);
	/* no such group: nobody can tell */
	CHECK_INT(directory_member(d, "bored", "anna@a.example"), FB_COULD_NOT_TELL);
	CHECK_INT(directory_hidden(d, "boss@a.example"), FB_YES);
	CHECK_INT(directory_hidden(d, "ghost@a.example"), FB_YES);
	CHECK_INT(directory_hidden(d, "anna@a.example"), FB_NO);
	/* the settings' own order stays */
	CHECK_STR(members[0], "zoe@a.example");
	directory_free(d);
	directory_free(NULL);
	d = directory_new(&(struct conf){0});
	CHECK_INT(directory_hidden(d, "anna@a.example"), FB_NO);
	directory_free(d);
	return check_done();
}
