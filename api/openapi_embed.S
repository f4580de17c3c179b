/* SPDX-License-Identifier: ISC */
/* openapi_embed.S: put api/openapi.json into the program. */
	.section .rodata
	.globl	openapi_start, openapi_end
openapi_start:
	.incbin	OPENAPI_FILE
openapi_end:
	.byte	0
	.section .note.GNU-stack,"",@progbits
