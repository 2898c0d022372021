"""Pages about titles: home, lists, a title, its files and artwork, adding, the calendar."""
