/* SPDX-License-Identifier: ISC */
/* true.c: the smallest program that exec benchmarks start. */
int
main(void)
{
	return 0;
}
