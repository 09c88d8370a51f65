# Compiler settings and dependencies, in one place.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra)
if(OCELLUS_SANITIZE)
  add_compile_options(-fsanitize=${OCELLUS_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${OCELLUS_SANITIZE})
endif()

find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(fmt REQUIRED CONFIG)
find_package(nlohmann_json REQUIRED CONFIG)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(hwy REQUIRED IMPORTED_TARGET libhwy)

# Found without their package files: Debian's for oneDNN also asks for OpenCL, and OpenCV's comes only with
# libopencv-dev, which brings several hundred packages; four of its modules are all that is used here.
function(ocellus_import target library header)
  string(MAKE_C_IDENTIFIER ${target} id)
  find_path(${id}_INCLUDE_DIR ${header} PATH_SUFFIXES opencv4 REQUIRED)
  find_library(${id}_LIBRARY ${library} REQUIRED)
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES
    IMPORTED_LOCATION ${${id}_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${${id}_INCLUDE_DIR})
endfunction()
ocellus_import(DNNL::dnnl dnnl dnnl.hpp)
ocellus_import(opencv::core opencv_core opencv2/core.hpp)
ocellus_import(opencv::imgproc opencv_imgproc opencv2/imgproc.hpp)
ocellus_import(opencv::imgcodecs opencv_imgcodecs opencv2/imgcodecs.hpp)
ocellus_import(opencv::videoio opencv_videoio opencv2/videoio.hpp)
