/* SPDX-License-Identifier: ISC */
/* profil.h: where a process spends its time, sampled at the clock tick (kern_profil.c). */
#ifndef SYS_PROFIL_H
#define SYS_PROFIL_H

#include <sys/native.h>
#include <sys/proc.h>

void profil_tick(struct thread *, vaddr_t pc); /* PS_PROFIL is set */
void profil_start(struct process *);           /* anew */
void profil_stop(struct process *);            /* what has been counted stays */
void profil_free(struct process *);
/* Entries into buf, at most max; returns how many there are. */
size_t profil_read(const struct process *, struct profil_entry *buf, size_t max);

#endif
