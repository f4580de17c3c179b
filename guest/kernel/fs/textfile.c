/* SPDX-License-Identifier: ISC */
/* textfile.c: open files whose text the kernel makes up. */
#include <sys/kmem.h>
#include <sys/systm.h>
#include "pseudofs.h"

struct textfile {
	struct sbuf tf_text;
	bool tf_made;
	textshow_t tf_show;
	textstore_t tf_store;
};

static void
text_drop(struct textfile *tf)
{
	sbuf_free(&tf->tf_text);
	tf->tf_made = false;
}

static int
text_make(struct textfile *tf, struct vnode *vp)
{
	int error;

	text_drop(tf);
	error = tf->tf_show(&tf->tf_text, vp);
	if (error == 0)
		error = tf->tf_text.sb_error;
	if (error != 0)
		text_drop(tf);
	else
		tf->tf_made = true;
	return error;
}

/* At the end the text is given back: an open file that nobody reads holds no memory. */
static int
text_read(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	struct textfile *tf = fp->f_data;
	const struct sbuf *sb = &tf->tf_text;
	size_t off = (size_t)uio->uio_offset;
	int error;

	if (uio->uio_offset < 0 || tf->tf_show == NULL)
		return EINVAL;
	if ((off == 0 || !tf->tf_made) && (error = text_make(tf, fp->f_vnode)) != 0)
		return error;
	if (off < sb->sb_len)
		return uiomove(sb->sb_buf + off, sb->sb_len - off, uio);
	text_drop(tf);
	return 0;
}

static int
text_write(struct file *fp, struct uio *uio, struct thread *td)
{
	struct textfile *tf = fp->f_data;
	size_t n = uio->uio_resid;
	char *text;
	int error;

	if (tf->tf_store == NULL || n >= TEXT_WRITE_MAX)
		return EINVAL;
	if ((text = kmalloc(n + 1, 0)) == NULL)
		return ENOMEM;
	error = uiomove(text, n, uio);
	if (error == 0) {
		if (n > 0 && text[n - 1] == '\n')
			text[n - 1] = '\0';
		text[n] = '\0';
		error = tf->tf_store(td, fp->f_vnode, text);
	}
	if (error != 0)
		uio->uio_resid = n; /* nothing was accepted */
	kfree(text);
	return error;
}

static int
text_stat(struct file *fp, struct stat *st)
{
	return vn_stat(fp->f_vnode, st);
}

static int
text_seek(struct file *fp, off_t off, int whence, off_t *newoff)
{
	off_t base = whence == 1 ? fp->f_offset : 0; /* SEEK_CUR; there is no end to seek from */

	if (whence != 0 && whence != 1)
		return EINVAL;
	if (__builtin_add_overflow(base, off, newoff))
		return EOVERFLOW;
	return *newoff < 0 ? EINVAL : 0;
}

static void
text_close(struct file *fp)
{
	struct textfile *tf = fp->f_data;

	text_drop(tf);
	kfree(tf);
}

static const struct fileops text_fileops = {
    .fo_read = text_read,
    .fo_write = text_write,
    .fo_stat = text_stat,
    .fo_seek = text_seek,
    .fo_close = text_close,
    .fo_name = "text",
};

int
textfile_open(struct file *fp, textshow_t show, textstore_t store)
{
	struct textfile *tf = kmalloc(sizeof(*tf), M_ZERO);

	if (tf == NULL)
		return ENOMEM;
	tf->tf_show = show;
	tf->tf_store = store;
	fp->f_data = tf;
	fp->f_ops = &text_fileops;
	return 0;
}
