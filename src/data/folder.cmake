# Images by OpenCV, .gz files by zlib, host-side vector loops by Highway.
target_link_libraries(ocellus_data PUBLIC
  opencv::core opencv::imgproc opencv::imgcodecs ZLIB::ZLIB PkgConfig::hwy Threads::Threads)
