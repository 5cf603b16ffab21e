#ifndef BRIDGE_PROCESS_PROCESS_H
#define BRIDGE_PROCESS_PROCESS_H

/*
 * Who runs where, with which rights. One binary, fork + exec of itself with a role as argv[1] ("@bridge", "@calendar-worker",
 * "@login-worker", "@check"); every role reads the settings as they were
 * checked for its generation (snapshot.h) and throws away what is not its own.
 */

/*
 * The supervisor: checks the settings, opens ports and folders, spawns, restarts, reloads; reads no byte from the network. With
 * ${trace} what is said at the front and to backends is recorded in a new file in that folder (NULL = it is not). Returns the exit
 * code of `serve`.
 */
int process_supervise(const char *conf_path, const char *trace);
/* Runs the role ${argv}[1] and returns its exit code; -1 if argv[1] is no role. */
int process_role(int argc, char **argv);
#endif
