# One file a family of networks; each lists its networks.
file(GLOB families CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp)
ocellus_table(zoo ocellus::zoo ocellus/zoo/zoo.h Entry zoo_in_ ${families})
