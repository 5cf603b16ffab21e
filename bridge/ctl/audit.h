#ifndef BRIDGE_CTL_AUDIT_H
#define BRIDGE_CTL_AUDIT_H
#include "bridge/audit/verify.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/site.h"

/* The parts of the verb `audit`, and what edits write down. */

/*
 * Notes the command that is running, for the record of a change. A verb whose words hold a secret calls it again without that.
 * ${argv} is borrowed.
 */
void ctl_audit_command(int argc, char **argv);
/*
 * Writes a record ${kind} ("change", "change-failed") about ${files} (ends with NULL): who, the command, the files. -1 after a
 * sentence: then nothing may be changed.
 */
int ctl_audit_change(const char *conf_path, const char *kind, const char *const *files);
/*
 * The change of ${files} that was written down so came to ${r}: if that is negative it failed, which is written down as well.
 * Returns ${r}.
 */
int ctl_audit_came_to(const char *conf_path, const char *const *files, int r);
/* The audit's folder of ${c}, open to be read; -1 after a sentence. */
int ctl_audit_open(const struct conf *c);
/* Reads a time that --since and --until take into ${seconds} (since 1970), which a NULL leaves as it is. False after a sentence. */
bool ctl_audit_time(const char *s, int64_t *seconds);
/* Prints ${s}, which stands in a record, without what a terminal might take for a command. */
void ctl_audit_print(const char *s);
/* audit compare. */
int ctl_audit_compare(int argc, char **argv, const char *conf_path);
#endif
