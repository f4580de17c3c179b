/* SPDX-License-Identifier: ISC */
/* kern_cred.c: credentials, and the count of processes each real user has. */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>

#define NUIDHASH 64

LIST_HEAD(uidinfo_list, uidinfo);

static struct uidinfo_list uidhash[NUIDHASH];
static struct pool cred_pool = POOL_INITIALIZER("cred", struct cred);
static struct pool uidinfo_pool = POOL_INITIALIZER("uidinfo", struct uidinfo);

/* ---- users ---- */

/* The user's entry with a reference, made if need be; NULL = no memory. */
static struct uidinfo *
uidinfo_get(uid_t uid)
{
	struct uidinfo_list *head = &uidhash[uid % NUIDHASH];
	struct uidinfo *ui;

	LIST_FOREACH (ui, head, ui_hash)
		if (ui->ui_uid == uid) {
			ui->ui_refs++;
			return ui;
		}
	if ((ui = pool_get(&uidinfo_pool, M_ZERO)) == NULL)
		return NULL;
	ui->ui_uid = uid;
	ui->ui_refs = 1;
	LIST_INSERT_HEAD(head, ui, ui_hash);
	return ui;
}

static void
uidinfo_release(struct uidinfo *ui)
{
	if (--ui->ui_refs > 0)
		return;
	LIST_REMOVE(ui, ui_hash);
	pool_put(&uidinfo_pool, ui);
}

bool
chgproccnt(struct uidinfo *ui, int diff, uint64_t max)
{
	if (diff > 0 && max != 0 && (uint64_t)(ui->ui_nproc + diff) > max)
		return false;
	ui->ui_nproc += diff;
	KASSERT(ui->ui_nproc >= 0);
	return true;
}

/* ---- credentials ---- */

struct cred *
crhold(struct cred *cr)
{
	cr->cr_refs++;
	return cr;
}

void
crfree(struct cred *cr)
{
	if (--cr->cr_refs > 0)
		return;
	uidinfo_release(cr->cr_uidinfo);
	pool_put(&cred_pool, cr);
}

struct cred *
crcopy(const struct cred *from)
{
	struct cred *cr = pool_get(&cred_pool, 0);

	if (cr == NULL)
		return NULL;
	memcpy(cr, from, sizeof(*cr));
	cr->cr_refs = 1;
	cr->cr_uidinfo->ui_refs++;
	return cr;
}

struct cred *
cr_boot(void)
{
	struct cred *cr = pool_get(&cred_pool, M_ZERO | M_NOFAIL);

	cr->cr_refs = 1;
	if ((cr->cr_uidinfo = uidinfo_get(0)) == NULL)
		panic("no memory for the first user");
	return cr;
}

/* Counts of processes are moved by the caller when the credentials become a process's. */
int
cr_setruid(struct cred *cr, uid_t uid)
{
	struct uidinfo *ui = uidinfo_get(uid);

	if (ui == NULL)
		return ENOMEM;
	uidinfo_release(cr->cr_uidinfo);
	cr->cr_uidinfo = ui;
	cr->cr_ruid = uid;
	return 0;
}

bool
groupmember(const struct cred *cr, gid_t gid)
{
	if (cr->cr_fsgid == gid)
		return true;
	for (uint32_t i = 0; i < cr->cr_ngroups; i++)
		if (cr->cr_groups[i] == gid)
			return true;
	return false;
}
