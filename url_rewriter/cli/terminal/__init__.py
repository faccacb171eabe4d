"""How things look in a terminal: widths, words, colours, tables, bars."""
