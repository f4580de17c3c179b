/* SPDX-License-Identifier: ISC */
/* abi_version.h: what the fake kernel claims to speak, for the assembler. */
#ifndef FAKE_ABI_VERSION
#define FAKE_ABI_VERSION 1
#endif
