# The plots of this folder.
set(BITSCAPE_PLOT_SOURCES
    canvas.cpp
    channel_map_plot.h
    channel_map_plot.cpp
    channel_scale_plot.h
    channel_scale_plot.cpp
    distributions_plot.h
    distributions_plot.cpp
    energy_plot.h
    energy_plot.cpp
    geometry.cpp
    histogram_plot.h
    histogram_plot.cpp
    hypervolume_plot.h
    hypervolume_plot.cpp
    numbers.cpp
    pareto_plot.h
    pareto_plot.cpp
    plot.h
    plot.cpp
    plot_engine.cpp
    plot_export.cpp
    plot_input.cpp
    plot_table.h
    plot_table.cpp
    registry.cpp
    search_progress_plot.h
    search_progress_plot.cpp
    training_plot.h
    training_plot.cpp
    utilization_plot.h
    utilization_plot.cpp)
list(TRANSFORM BITSCAPE_PLOT_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
target_sources(bitscape_plots PRIVATE ${BITSCAPE_PLOT_SOURCES})
