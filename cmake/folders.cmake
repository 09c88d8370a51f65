# A folder of src/ is an object library `ocellus_<folder>`: its files are found, not listed by hand.
# Registration tables are generated from the same listing, so adding a file is all that registering takes.

# ocellus_table(<folder> <output> <header> <entry type> <function prefix> <files...>)
# Writes a source that defines `<prefix>listers()`: a const table of one function per file, `<prefix><stem>()`,
# each of which returns a span of that file's entries. The header declares the entry type and the lister's type.
function(ocellus_table folder namespace header entry prefix)
  set(declarations "")
  set(rows "")
  foreach(file IN LISTS ARGN)
    get_filename_component(stem ${file} NAME_WE)
    string(APPEND declarations "std::span<const ${entry}> ${prefix}${stem}();\n")
    string(APPEND rows "    ${prefix}${stem},\n")
  endforeach()
  list(LENGTH ARGN count)
  set(output ${CMAKE_BINARY_DIR}/generated/${folder}/${prefix}table.cpp)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"// Generated from the list of files in src/: do not edit.
#include <array>
#include <span>

#include <${header}>

namespace ${namespace} {

${declarations}
using Lister = std::span<const ${entry}> (*)();
static constexpr std::array<Lister, ${count}> table = {
${rows}};

std::span<const Lister> ${prefix}listers() { return table; }

}  // namespace ${namespace}
")
  string(REPLACE "/" "_" target ${folder})
  target_sources(ocellus_${target} PRIVATE ${output})
endfunction()

# Object library of src/<folder>/**.cpp with the dependencies that every folder may use; special ones are added below.
function(ocellus_folder folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_library(ocellus_${folder} OBJECT ${sources})
  target_include_directories(ocellus_${folder} PUBLIC
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated/include)
  target_link_libraries(ocellus_${folder} PUBLIC fmt::fmt OpenMP::OpenMP_CXX nlohmann_json::nlohmann_json)
  ocellus_precompile(ocellus_${folder} library ${OCELLUS_COMMON_HEADERS})
  set_property(GLOBAL APPEND PROPERTY ocellus_objects ocellus_${folder})

  set(extra ${PROJECT_SOURCE_DIR}/src/${folder}/folder.cmake)
  if(EXISTS ${extra})
    include(${extra})
  endif()
endfunction()
