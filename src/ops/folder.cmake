# Every file of this folder but support files (in support/) registers the operators it defines.
file(GLOB op_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp)
ocellus_table(ops ocellus ocellus/graph/op.h OpEntry ops_in_ ${op_files})
