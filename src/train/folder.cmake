# Optimiser steps are vector loops chosen at run time; plots are drawn and written with OpenCV.
target_link_libraries(ocellus_train PUBLIC PkgConfig::hwy opencv::core opencv::imgproc opencv::imgcodecs)
