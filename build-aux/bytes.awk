# SPDX-License-Identifier: MIT
# bytes.awk - decimal bytes (od -An -v -tu1) become a C array called NAME.
BEGIN { printf "static const unsigned char %s[] = {\n", name }
{
	for (i = 1; i <= NF; i++)
		printf "%s,", $i
	print ""
}
END { print "};" }
