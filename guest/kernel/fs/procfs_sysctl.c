/* SPDX-License-Identifier: ISC */
/* procfs_sysctl.c: /proc/sys: tunables by their Linux names. */
#include <sys/file.h>
#include <sys/identity.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include "procfs.h"

/* Rows whose pf_arg is the name of a tunable of this kernel. */
int
sysctl_show(struct sbuf *sb, struct vnode *vp)
{
	char value[256];
	int error = sysctl_get(pfs_file(vp)->pf_arg, value, sizeof(value));

	if (error == 0)
		sbuf_printf(sb, "%s\n", value);
	return error;
}

int
sysctl_store(struct thread *td, struct vnode *vp, char *text)
{
	return sysctl_set(td, pfs_file(vp)->pf_arg, text);
}

/* ---- random identities ---- */

/* A random (version 4) UUID as text. */
static void
show_uuid(struct sbuf *sb, uint8_t u[16])
{
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	for (int i = 0; i < 16; i++)
		sbuf_printf(sb, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", u[i]);
	sbuf_puts(sb, "\n");
}

int
sys_showuuid(struct sbuf *sb, struct vnode *vp __unused)
{
	uint8_t uuid[16];

	arc4random_buf(uuid, sizeof(uuid));
	show_uuid(sb, uuid);
	return 0;
}

/* Made when first asked for; a clone of this sandbox is another machine and makes its own. */
static uint8_t boot_id[16];
static bool boot_id_made __resume_data;

void
identity_changed(void)
{
	boot_id_made = false;
}

int
sys_showbootid(struct sbuf *sb, struct vnode *vp __unused)
{
	if (!boot_id_made)
		arc4random_buf(boot_id, sizeof(boot_id));
	boot_id_made = true;
	show_uuid(sb, boot_id);
	return 0;
}

/* ---- open files ---- */

int
sys_showfilemax(struct sbuf *sb, struct vnode *vp __unused)
{
	sbuf_printf(sb, "%lu\n", maxfiles);
	return 0;
}

int
sys_showfilenr(struct sbuf *sb, struct vnode *vp __unused)
{
	sbuf_printf(sb, "%lu\t0\t%lu\n", nfiles, maxfiles);
	return 0;
}
