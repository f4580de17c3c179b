/* SPDX-License-Identifier: ISC */
/*
 * kern_vmfork.c: the sandbox as something that is cloned.
 *
 * Process 1 goes through the quiescent point when the host asks for it: every other thread is
 * switched out then, so that the state to be kept is memory and a few registers of the kernel.
 * A program that wants a clone asks the host and sleeps; the host's answer comes as a FREEZE.
 */
#include <sys/host.h>
#include <sys/identity.h>
#include <sys/launch.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/queue.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/vmfork.h>

/* A thread that sleeps until the host has answered; lies on its stack. */
struct vmfork_call {
	TAILQ_ENTRY(vmfork_call) vc_link;
	bool vc_done;
	int vc_error;
	uint64_t vc_value;
};
static TAILQ_HEAD(, vmfork_call) calls __resume_data = TAILQ_HEAD_INITIALIZER(calls);

int vmfork_limit __resume_data;
uint64_t vm_generation __resume_data;

static void
call_finish(struct vmfork_call *call, int error, uint64_t value)
{
	TAILQ_REMOVE(&calls, call, vc_link);
	call->vc_done = true;
	call->vc_error = error;
	call->vc_value = value;
	wakeup(call);
}

/* ---- the quiescent point ---- */

void
vmfork_resumed(uint64_t generation)
{
	vm_generation = generation;
	vmfork_limit =
	    0; /* the permission was the original's; a clone's own comes with its block */
	identity_changed();
	host_events_enable(md_boot_events());
	vmgenid_changed();
}

/* In a clone nobody will ever answer the other calls: their questions were the original's. */
static void
clone_go_on(struct vmfork_call *asker)
{
	vmgenid_wakeup();
	clock_was_set();
	if (asker != NULL)
		call_finish(asker, 0, 0);
	while (!TAILQ_EMPTY(&calls))
		call_finish(TAILQ_FIRST(&calls), EAGAIN, 0);
	host_send_wait(TINE_MSG_READY, 0, md_boot_refused(), NULL, 0);
	hostchan_tell(); /* the clone is waited for, and on the way to idle it has pages to copy */
	hostchan_poll(); /* what came before we listened rang no bell */
}

void
vmfork_freeze(uint32_t id, const struct tine_freeze *fz)
{
	struct vmfork_call *asker = NULL;
	int error = 0;

	if (fz->answer != 0 && (asker = TAILQ_FIRST(&calls)) == NULL)
		error = ESRCH;
	if (error == 0 && fz->error == 0 && md_ready()) {
		clone_go_on(asker);
		return;
	}
	if (asker != NULL)
		call_finish(asker, fz->error, fz->value);
	host_send_wait(TINE_MSG_REPLY, id, (uint32_t)error, NULL, 0);
}

/* ---- programs ---- */

static int
ask(uint32_t kind)
{
	int error;

	while ((error = hostchan_send(TINE_MSG_VMFORK, 0, kind, NULL, 0)) == EAGAIN)
		if (tsleep(&hostchan_room, PCATCH, "hostch", 0) == EINTR)
			return EINTR;
	return error;
}

/* Not restarted after a signal: the host may have answered what the program no longer waits for. */
static int
ask_and_wait(uint32_t kind, long *retval)
{
	struct vmfork_call call = {.vc_done = false};
	int error = ask(kind);

	if (error != 0)
		return error;
	TAILQ_INSERT_TAIL(&calls, &call, vc_link);
	while (!call.vc_done)
		if (tsleep(&call, PCATCH, "vmfork", 0) == EINTR && !call.vc_done) {
			TAILQ_REMOVE(&calls, &call, vc_link);
			return EINTR;
		}
	*retval = (long)call.vc_value;
	return call.vc_error;
}

/* Each call uses up one of those that are allowed, unless it fails. */
static int
vmfork(uint32_t kind, long *retval)
{
	uint64_t generation = vm_generation;
	int error;

	if (vmfork_limit <= 0)
		return EPERM;
	vmfork_limit--;
	error = ask_and_wait(kind, retval);
	if (error != 0 && generation == vm_generation)
		vmfork_limit++;
	return error;
}

/* vmfork(): a clone of the whole sandbox, with everything that runs in it.  0 in the clone. */
SYSCALL(vmfork)
{
	(void)td;
	(void)a;
	return vmfork(TINE_VMFORK_CLONE, retval);
}

/* tine_freeze(): keep the sandbox as it is now as a template.  0 in each clone made of it. */
SYSCALL(tine_freeze)
{
	(void)td;
	(void)a;
	return vmfork(TINE_VMFORK_TEMPLATE, retval);
}
