/* SPDX-License-Identifier: ISC */
/* sock_name.c: addresses of sockets: to and from programs, and to the domain that knows them. */
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/systm.h>
#include <sys/vnode.h>

int
sockname_copyin(vaddr_t uaddr, uint32_t len, struct sockname *name)
{
	if (len > 128)
		return EINVAL;
	if (len < sizeof(name->sn_family))
		return EINVAL;
	memset(name, 0, sizeof(*name));
	name->sn_len = MIN(len, (uint32_t)(sizeof(*name) - offsetof(struct sockname, sn_un)));
	return copyin((const void *)uaddr, &name->sn_un, name->sn_len);
}

int
sockname_copyout(const struct sockname *name, vaddr_t uaddr, vaddr_t ulen)
{
	uint32_t room;
	int error;

	if (uaddr == 0)
		return 0;
	if ((error = copyin((const void *)ulen, &room, sizeof(room))) != 0)
		return error;
	if ((int32_t)room < 0)
		return EINVAL;
	error = copyout(&name->sn_un, (void *)uaddr, MIN(room, name->sn_len));
	return error != 0 ? error : copyout(&name->sn_len, (void *)ulen, sizeof(name->sn_len));
}

int
so_bind(struct thread *td, struct socket *so, const struct sockname *name)
{
	if (so->so_flags & SS_BOUND)
		return EINVAL;
	return so_unix(so) ? unix_bind(td, so, name) : inet_bind(td, so, name);
}

int
so_autobind(struct socket *so)
{
	if (so->so_flags & SS_BOUND)
		return 0;
	return so_unix(so) ? unix_autobind(so) : inet_autobind(so);
}

void
so_unbind(struct socket *so)
{
	if (!(so->so_flags & SS_BOUND))
		return;
	so->so_flags &= ~SS_BOUND;
	if (so->so_vnode != NULL) {
		so->so_vnode->v_special = NULL;
		vrele(so->so_vnode);
		so->so_vnode = NULL;
	} else {
		LIST_REMOVE(so, so_bound);
	}
}

int
so_lookup(struct thread *td, struct socket *so, const struct sockname *name, struct socket **top)
{
	if (so_unix(so))
		return unix_lookup(td, so, name, top);
	*top = inet_find(so, name);
	if (*top == NULL)
		return ECONNREFUSED;
	(*top)->so_refs++;
	return 0;
}

bool
sockname_equal(const struct sockname *a, const struct sockname *b)
{
	return a->sn_len == b->sn_len && memcmp(&a->sn_un, &b->sn_un, a->sn_len) == 0;
}
