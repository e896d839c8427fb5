"""What stands behind `invopt.solve`: a scientist's numbers in, decisions out, by the engine that serves production.

call.py is the function; columns.py and cells.py turn what was given into the policy's columns, keys.py makes up what an
item is called, demand.py and forecast.py the forms in which demand may come, and answer.py the frame that is given back.
"""
