# What most files include of the standard library and of fmt, read once instead of several hundred times. Sources include what
# they use all the same: -DOCELLUS_PRECOMPILED=OFF builds without.
option(OCELLUS_PRECOMPILED "Precompile the headers that most files include" ON)

set(OCELLUS_COMMON_HEADERS
  <algorithm> <array> <cmath> <cstdint> <cstring> <filesystem> <functional> <map> <memory> <optional> <span> <string>
  <string_view> <unordered_map> <unordered_set> <vector> <fmt/format.h>)

# ocellus_precompile(<target> <headers...>): the first target of one set of flags makes the file, others take it over.
function(ocellus_precompile target kind)
  if(NOT OCELLUS_PRECOMPILED)
    return()
  endif()
  get_property(maker GLOBAL PROPERTY ocellus_precompiled_${kind})
  if(maker)
    target_precompile_headers(${target} REUSE_FROM ${maker})
  else()
    target_precompile_headers(${target} PRIVATE ${ARGN})
    set_property(GLOBAL PROPERTY ocellus_precompiled_${kind} ${target})
  endif()
endfunction()
