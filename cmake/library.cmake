# libocellus from the folders' objects.
configure_file(cmake/version.h.in ${CMAKE_BINARY_DIR}/generated/include/ocellus/base/version.h @ONLY)
get_property(objects GLOBAL PROPERTY ocellus_objects)

if(OCELLUS_SHARED_LIBRARY)
  add_library(ocellus SHARED)
else()
  add_library(ocellus STATIC)
  target_compile_definitions(ocellus PUBLIC OCELLUS_STATIC)
endif()
add_library(ocellus::ocellus ALIAS ocellus)
foreach(object IN LISTS objects)
  target_sources(ocellus PRIVATE $<TARGET_OBJECTS:${object}>)
endforeach()
target_include_directories(ocellus PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/generated/include>)
target_link_libraries(ocellus PRIVATE
  fmt::fmt OpenMP::OpenMP_CXX DNNL::dnnl PkgConfig::hwy ZLIB::ZLIB Threads::Threads
  opencv::core opencv::imgproc opencv::imgcodecs opencv::videoio
  onnx::proto protobuf::runtime hdf5::serial zip::zip)
target_compile_features(ocellus PUBLIC cxx_std_20)
set_target_properties(ocellus PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exports.map)

# Hidden visibility keeps our own symbols in; the version script also keeps in the standard library's templates.
if(OCELLUS_SHARED_LIBRARY AND NOT OCELLUS_SANITIZE)
  target_link_options(ocellus PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map -Wl,--no-undefined)
endif()
