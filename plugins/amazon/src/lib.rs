//! Amazon reviews data sets: the 2014, 2018 and 2023 layouts
