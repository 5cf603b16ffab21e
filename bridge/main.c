#include "bridge/base/file.h"
#include "bridge/ctl/ctl.h"
#include "bridge/process/process.h"

int main(int argc, char **argv)
{
	int code;

	if (file_standard() != 0)
		return 2;
	code = process_role(argc, argv);
	return code >= 0 ? code : ctl_main(argc, argv);
}
