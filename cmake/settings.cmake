# Compiler settings.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g -D_GLIBCXX_ASSERTIONS")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

add_compile_options(-Wall -Wextra -Wno-missing-field-initializers)  # designated initialisers leave defaults out
add_compile_options(-fpch-preprocess)  # for ccache and cmake/precompiled.cmake
add_link_options(-Wl,--as-needed)
if(OCELLUS_SANITIZE)
  add_compile_options(-fsanitize=${OCELLUS_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${OCELLUS_SANITIZE})
endif()

# ccache is used where it works: not with a home folder that is missing or can't be written. Paths below the base
# folder are hashed relative to it, so that a fresh clone in another folder finds what this one has compiled.
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(probe ${CMAKE_BINARY_DIR}/ccache_probe)
  string(TIMESTAMP now "%s%f")
  file(WRITE ${probe}.cpp "int probe_${now};\n")   # new each time: a hit would prove nothing about writing
  execute_process(COMMAND ${launcher} ${CMAKE_CXX_COMPILER} -c ${probe}.cpp -o ${probe}.o
                  RESULT_VARIABLE ccache_failed OUTPUT_QUIET ERROR_QUIET)
  if(ccache_failed)
    message(STATUS "ccache can't write its cache here: not used")
  else()
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  endif()
endif()
