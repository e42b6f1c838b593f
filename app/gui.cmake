# The desktop program: all but main.cpp is a library, so that tests link it too.
set(CMAKE_AUTOMOC ON)
qt_add_library(
  bitscape_app STATIC
  document/derived.h document/derived.cpp
  document/document.h document/document.cpp
  document/edits.h document/edits.cpp
  document/file_kinds.h document/file_kinds.cpp
  document/file_preview.h document/file_preview.cpp
  document/import_report.h document/import_report.cpp
  document/pictures.h document/pictures.cpp
  document/presets.h document/presets.cpp
  document/selection.h document/selection.cpp
  document/tensor_analysis.h document/tensor_analysis.cpp
  errors/sentence.h errors/sentence.cpp
  jobs/activities.h jobs/activities.cpp
  jobs/job_runner.h jobs/job_runner.cpp
  jobs/jobs.h jobs/jobs.cpp
  jobs/latest.h
  settings/settings.h settings/settings.cpp
  window/docks/dock.cpp window/docks/docks.h
  window/docks/inspector_dock.cpp
  window/docks/jobs_dock.cpp
  window/docks/layers_dock.cpp
  window/docks/quantizer_panel.h window/docks/quantizer_panel.cpp
  window/docks/trials_dock.cpp
  window/headless.h window/headless.cpp
  window/layers_data.h window/layers_data.cpp
  window/log.h window/log.cpp
  window/main_window.h window/main_window.cpp window/main_window_files.cpp
  window/main_window_menus.cpp
  window/page.h window/page.cpp
  window/pages/accelerator_form.h window/pages/accelerator_form.cpp
  window/pages/calibrate_page.cpp
  window/pages/compare_page.cpp
  window/pages/distributions_page.cpp
  window/pages/data_panel.h window/pages/data_panel.cpp
  window/pages/explore_page.cpp
  window/pages/hardware_page.cpp
  window/pages/import_page.cpp
  window/pages/model_page.cpp
  window/pages/page_parts.h window/pages/page_parts.cpp
  window/pages/pages.h
  window/pages/pareto_data.h window/pages/pareto_data.cpp
  window/pages/plot_data.h window/pages/plot_data.cpp
  window/pages/recent_list.h window/pages/recent_list.cpp
  window/pages/report_page.cpp
  window/pages/search_page.cpp
  window/pages/search_setup.h window/pages/search_setup.cpp
  window/pages/tour_card.h window/pages/tour_card.cpp
  window/pages/train_page.cpp
  window/pages/train_setup.h window/pages/train_setup.cpp
  window/pages/welcome_page.cpp
  window/report_document.h window/report_document.cpp
  window/report_export.h window/report_export.cpp
  window/strip.h window/strip.cpp
  window/trial_card.h window/trial_card.cpp
  window/trials.h window/trials.cpp)
target_link_libraries(bitscape_app PUBLIC bitscape_core bitscape_widgets Qt6::Widgets Qt6::Concurrent
                      PRIVATE Qt6::Svg bitscape_qt_strict nlohmann_json::nlohmann_json)

qt_add_executable(bitscape main.cpp)
target_link_libraries(bitscape PRIVATE bitscape_app bitscape_qt_strict)
set_target_properties(bitscape PROPERTIES INSTALL_RPATH "\$ORIGIN/../${BITSCAPE_PRIVATE_LIB}")
install(TARGETS bitscape)

# Translations: `ninja translations` reads new texts into the .ts files; the build packs them.
set(translation_files ${PROJECT_SOURCE_DIR}/translations/bitscape_en.ts ${PROJECT_SOURCE_DIR}/translations/bitscape_de.ts)
qt_add_lrelease(bitscape_app TS_FILES ${translation_files} QM_FILES_OUTPUT_VARIABLE packed_translations)
qt_add_resources(bitscape_app texts PREFIX /i18n BASE ${CMAKE_CURRENT_BINARY_DIR} FILES ${packed_translations})
add_custom_target(
  translations
  COMMAND Qt6::lupdate -I . -locations none -no-obsolete app/document app/errors app/jobs app/settings app/window
          app/main.cpp widgets -ts translations/bitscape_de.ts
  COMMAND Qt6::lupdate -I . -locations none -no-obsolete -pluralonly app/document app/errors app/jobs app/settings
          app/window app/main.cpp widgets -ts translations/bitscape_en.ts
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
