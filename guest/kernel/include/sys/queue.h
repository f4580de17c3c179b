/* SPDX-License-Identifier: ISC */
/* queue.h: intrusive lists with the interface of BSD's queue(3): LIST (doubly linked) and TAILQ. */
#ifndef SYS_QUEUE_H
#define SYS_QUEUE_H

#define LIST_HEAD(name, type)                                                                      \
	struct name {                                                                              \
		struct type *first;                                                                \
	}
#define LIST_ENTRY(type)                                                                           \
	struct {                                                                                   \
		struct type *next;                                                                 \
		struct type **prevp; /* the pointer that points at us */                           \
	}
#define LIST_HEAD_INITIALIZER(head)                                                                \
	{                                                                                          \
		0                                                                                  \
	}
#define LIST_INIT(head) ((head)->first = 0)
#define LIST_FIRST(head) ((head)->first)
#define LIST_EMPTY(head) ((head)->first == 0)
#define LIST_NEXT(elm, field) ((elm)->field.next)
#define LIST_INSERT_HEAD(head, elm, field)                                                         \
	do {                                                                                       \
		if (((elm)->field.next = (head)->first) != 0)                                      \
			(head)->first->field.prevp = &(elm)->field.next;                           \
		(head)->first = (elm);                                                             \
		(elm)->field.prevp = &(head)->first;                                               \
	} while (0)
#define LIST_INSERT_AFTER(at, elm, field)                                                          \
	do {                                                                                       \
		if (((elm)->field.next = (at)->field.next) != 0)                                   \
			(at)->field.next->field.prevp = &(elm)->field.next;                        \
		(at)->field.next = (elm);                                                          \
		(elm)->field.prevp = &(at)->field.next;                                            \
	} while (0)
#define LIST_REMOVE(elm, field)                                                                    \
	do {                                                                                       \
		if ((elm)->field.next != 0)                                                        \
			(elm)->field.next->field.prevp = (elm)->field.prevp;                       \
		*(elm)->field.prevp = (elm)->field.next;                                           \
		(elm)->field.next = 0;                                                             \
		(elm)->field.prevp = 0;                                                            \
	} while (0)
#define LIST_FOREACH(var, head, field)                                                             \
	for ((var) = (head)->first; (var) != 0; (var) = (var)->field.next)
#define LIST_FOREACH_SAFE(var, head, field, tmp)                                                   \
	for ((var) = (head)->first; (var) != 0 && ((tmp) = (var)->field.next, 1); (var) = (tmp))

#define TAILQ_HEAD(name, type)                                                                     \
	struct name {                                                                              \
		struct type *first;                                                                \
		struct type **lastp;                                                               \
	}
#define TAILQ_ENTRY(type)                                                                          \
	struct {                                                                                   \
		struct type *next;                                                                 \
		struct type **prevp;                                                               \
	}
#define TAILQ_HEAD_INITIALIZER(head)                                                               \
	{                                                                                          \
		0, &(head).first                                                                   \
	}
#define TAILQ_INIT(head) ((head)->first = 0, (head)->lastp = &(head)->first)
#define TAILQ_FIRST(head) ((head)->first)
#define TAILQ_EMPTY(head) ((head)->first == 0)
#define TAILQ_NEXT(elm, field) ((elm)->field.next)
#define TAILQ_INSERT_TAIL(head, elm, field)                                                        \
	do {                                                                                       \
		(elm)->field.next = 0;                                                             \
		(elm)->field.prevp = (head)->lastp;                                                \
		*(head)->lastp = (elm);                                                            \
		(head)->lastp = &(elm)->field.next;                                                \
	} while (0)
#define TAILQ_INSERT_HEAD(head, elm, field)                                                        \
	do {                                                                                       \
		if (((elm)->field.next = (head)->first) != 0)                                      \
			(head)->first->field.prevp = &(elm)->field.next;                           \
		else                                                                               \
			(head)->lastp = &(elm)->field.next;                                        \
		(head)->first = (elm);                                                             \
		(elm)->field.prevp = &(head)->first;                                               \
	} while (0)
#define TAILQ_INSERT_BEFORE(at, elm, field)                                                        \
	do {                                                                                       \
		(elm)->field.prevp = (at)->field.prevp;                                            \
		(elm)->field.next = (at);                                                          \
		*(at)->field.prevp = (elm);                                                        \
		(at)->field.prevp = &(elm)->field.next;                                            \
	} while (0)
#define TAILQ_REMOVE(head, elm, field)                                                             \
	do {                                                                                       \
		if ((elm)->field.next != 0)                                                        \
			(elm)->field.next->field.prevp = (elm)->field.prevp;                       \
		else                                                                               \
			(head)->lastp = (elm)->field.prevp;                                        \
		*(elm)->field.prevp = (elm)->field.next;                                           \
		(elm)->field.next = 0;                                                             \
		(elm)->field.prevp = 0;                                                            \
	} while (0)
#define TAILQ_FOREACH(var, head, field) LIST_FOREACH (var, head, field)
#define TAILQ_FOREACH_SAFE(var, head, field, tmp) LIST_FOREACH_SAFE (var, head, field, tmp)

#endif
