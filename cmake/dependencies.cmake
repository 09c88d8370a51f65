# What libocellus links. Also installed beside ocellusConfig.cmake: a program that links a static libocellus needs it.
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(fmt REQUIRED CONFIG)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
if(NOT TARGET PkgConfig::hwy)
  pkg_check_modules(hwy REQUIRED IMPORTED_TARGET GLOBAL libhwy)
  # Vector loops are compiled for AVX2 and AVX-512, and once without vectors for everything older.
  target_compile_definitions(PkgConfig::hwy INTERFACE "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4|HWY_AVX3_DL)")
endif()

# Found without their package files: Debian's for oneDNN also asks for OpenCL, and OpenCV's comes only with
# libopencv-dev, which brings several hundred packages; four of its modules are all that is used here.
function(ocellus_import target library header)
  if(TARGET ${target})
    return()
  endif()
  string(MAKE_C_IDENTIFIER ${target} id)
  find_path(${id}_INCLUDE_DIR ${header} PATH_SUFFIXES opencv4 REQUIRED)
  find_library(${id}_LIBRARY ${library} REQUIRED)
  mark_as_advanced(${id}_INCLUDE_DIR ${id}_LIBRARY)
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES
    IMPORTED_LOCATION ${${id}_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${${id}_INCLUDE_DIR})
endfunction()
ocellus_import(DNNL::dnnl dnnl dnnl.hpp)
ocellus_import(opencv::core opencv_core opencv2/core.hpp)
ocellus_import(opencv::imgproc opencv_imgproc opencv2/imgproc.hpp)
ocellus_import(opencv::imgcodecs opencv_imgcodecs opencv2/imgcodecs.hpp)
ocellus_import(opencv::videoio opencv_videoio opencv2/videoio.hpp)
