# make install: headers, library, program, CMake package, pkg-config file.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ocellus)

install(TARGETS ocellus EXPORT ocellusTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/ocellus ${CMAKE_BINARY_DIR}/generated/include/ocellus
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

if(TARGET ocellus_cli)
  file(RELATIVE_PATH to_library /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
  set_target_properties(ocellus_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${to_library}")
  install(TARGETS ocellus_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

install(EXPORT ocellusTargets NAMESPACE ocellus:: DESTINATION ${package_dir})
configure_package_config_file(cmake/ocellusConfig.cmake.in ${CMAKE_BINARY_DIR}/ocellusConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change the interface, as the SONAME says.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/ocellusConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_BINARY_DIR}/ocellusConfig.cmake ${CMAKE_BINARY_DIR}/ocellusConfigVersion.cmake cmake/dependencies.cmake
  DESTINATION ${package_dir})

# The prefix is written relative to the file, so that an installed tree may be moved.
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
set(pc_private "-lfmt -ldnnl -lhwy -lopencv_videoio -lopencv_imgcodecs -lopencv_imgproc -lopencv_core -lonnx_proto -lprotobuf -lhdf5_serial -lzip -lz -lgomp -lpthread")
if(OCELLUS_SHARED_LIBRARY)
  set(pc_libs "-L\${libdir} -locellus")
  set(pc_cflags "-I\${includedir}")
else()
  set(pc_libs "-L\${libdir} -locellus ${pc_private}")
  set(pc_private "")
  set(pc_cflags "-I\${includedir} -DOCELLUS_STATIC")
endif()
configure_file(cmake/ocellus.pc.in ${CMAKE_BINARY_DIR}/ocellus.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/ocellus.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
