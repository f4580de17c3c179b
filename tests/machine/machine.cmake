# machine.cmake: tests whose command runs inside one of the emulated machines.
#
#   tine_npt_test(NAME name COMMAND command args... [TIMEOUT seconds] [LABELS labels...] [OPTIONS machine options...])
#   tine_ept_test(...)
#
# The command runs in the top of the source tree with this build's folder first in PATH; a target's name as the command stands
# for its program. TIMEOUT (default 120) is the machine's; ctest waits a little longer, so that the reason is printed.

set(TINE_MACHINE_DIR ${CMAKE_CURRENT_LIST_DIR})

function(tine_machine_test MACHINE)
	cmake_parse_arguments(PARSE_ARGV 1 T "" "NAME;TIMEOUT" "COMMAND;LABELS;OPTIONS")
	if(NOT T_NAME OR NOT T_COMMAND OR T_UNPARSED_ARGUMENTS)
		message(FATAL_ERROR "tine_${MACHINE}_test: NAME and COMMAND are needed; not understood: ${T_UNPARSED_ARGUMENTS}")
	endif()
	if(NOT T_TIMEOUT)
		set(T_TIMEOUT 120)
	endif()
	math(EXPR limit "${T_TIMEOUT} + 30")
	list(POP_FRONT T_COMMAND program)
	if(TARGET ${program})
		set(program $<TARGET_FILE:${program}>)
	endif()
	file(RELATIVE_PATH build ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
	add_test(NAME ${T_NAME}
		COMMAND ${TINE_MACHINE_DIR}/${MACHINE} -t ${T_TIMEOUT} -b ${build} ${T_OPTIONS} -- ${program} ${T_COMMAND}
		WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
	set_tests_properties(${T_NAME} PROPERTIES TIMEOUT ${limit} LABELS "${MACHINE};${T_LABELS}")
endfunction()

function(tine_npt_test)
	tine_machine_test(npt ${ARGN})
endfunction()

function(tine_ept_test)
	tine_machine_test(ept ${ARGN})
endfunction()
