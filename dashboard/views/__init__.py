"""The pages, and answers for machines: a module for each address, thin. `page` is what the pages share."""
