# The plots of this folder.
target_sources(bitscape_plots PRIVATE ${CMAKE_CURRENT_LIST_DIR}/../style/palette.h)
set_target_properties(bitscape_plots PROPERTIES LINKER_LANGUAGE CXX)
