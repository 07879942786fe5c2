"""Completion of command lines: the shell asks with the line in an environment variable, and gets a candidate per line.

The scripts for shells are beside this file. Nothing is opened for an answer but files of the control directory and the
directories of local repositories, and those not for long: a shell waits.
"""
