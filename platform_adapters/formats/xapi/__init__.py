"""xAPI: statements of learning record stores, cmi5, and LMS emitters."""
