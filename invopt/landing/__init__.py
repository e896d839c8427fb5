"""Files of the landing zone: found, understood as a whole, and read line by line, each by itself, without Spark.

`listing` finds them, `survey` tells how each can be read or why it can't, and `lines` gives their lines as text.
"""
