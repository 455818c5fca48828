"""Tables, figures, model cards and one HTML page, made from results files and pairs."""
