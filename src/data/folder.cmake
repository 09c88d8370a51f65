target_link_libraries(ocellus_data PUBLIC opencv::core opencv::imgproc opencv::imgcodecs ZLIB::ZLIB)
