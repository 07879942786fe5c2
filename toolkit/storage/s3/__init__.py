"""A store under a prefix of an S3 bucket, on AWS or any server that speaks enough of S3.

boto3 is imported in here only, and only once a repository of this type is opened.
"""
