# One file of formats/ registers one kind of model file.
file(GLOB io_formats CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/io/formats/*.cpp)
ocellus_table(io ocellus::io io/format_table.h Format formats_in_ ${io_formats})
target_link_libraries(ocellus_io PUBLIC onnx::proto protobuf::runtime hdf5::serial zip::zip)

# A file of darknet/sections/ is a family of sections of darknet's .cfg.
file(GLOB io_darknet_sections CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/io/darknet/sections/*.cpp)
ocellus_table(io ocellus::io::darknet io/darknet/network.h SectionKind darknet_sections_in_ ${io_darknet_sections})

# One file of keras/layers/ registers classes of Keras's layers.
file(GLOB keras_layers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/io/keras/layers/*.cpp)
ocellus_table(io ocellus::io::keras io/keras/layer.h KerasLayer keras_in_ ${keras_layers})

# One file of names/ has tables of what another program calls the parameters of networks of the zoo.
file(GLOB io_names CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/io/names/*.cpp)
ocellus_table(io ocellus::io::naming io/name_table.h NameTable names_in_ ${io_names})

# One file of onnx/ registers the operators of one family.
file(GLOB onnx_operators CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/io/onnx/*.cpp)
ocellus_table(io ocellus::io::onnx_io io/onnx/support/operator_table.h OperatorEntry operators_in_ ${onnx_operators})

# One file of caffe/layers/ registers types of Caffe's layers.
file(GLOB caffe_layers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/io/caffe/layers/*.cpp)
ocellus_table(io ocellus::io::caffe io/caffe/layer.h CaffeLayer caffe_in_ ${caffe_layers})

# One file of onnx/export/ registers operators of ours that can be written.
file(GLOB onnx_exported CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/io/onnx/export/*.cpp)
ocellus_table(io ocellus::io::onnx_io io/onnx/support/export_table.h ExportEntry exported_in_ ${onnx_exported})

# One file of keras/operators/ registers operators that can be written as Keras's layers.
file(GLOB keras_operators CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/io/keras/operators/*.cpp)
ocellus_table(io ocellus::io::keras::writing io/keras/operator_table.h KerasOperator writes_in_ ${keras_operators})
