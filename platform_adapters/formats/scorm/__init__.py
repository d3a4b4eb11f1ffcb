"""SCORM tracks as Moodle keeps them: a file for each form of the tables; `platform` lists them."""
