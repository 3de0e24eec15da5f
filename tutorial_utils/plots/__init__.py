"""Every figure of the book: computed values and an optional ``ax`` in, the drawn ``ax`` out."""
