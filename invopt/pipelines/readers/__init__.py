"""What the text of a field means: blanks and words for nothing, ids, numbers, dates, and the few other kinds.

Each file here is one kind. Every line pays for quick looks and one conversion. What few lines need stands in branches
that the others never enter, because millions of lines go through.
"""
