"""What stands behind `invopt.solve`: a scientist's numbers in, decisions out, by the engine that serves production.

call.py is the function. columns.py, cells.py and values.py turn what was given into the policy's columns; keys.py makes
up what an item is called; demand.py and forecast.py have the forms in which demand may come; prepared.py joins them to
the frame that is solved, and answer.py makes the frame that is given back.
"""
