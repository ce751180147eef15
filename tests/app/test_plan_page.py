"""The plan's page without a browser: sensors by sliders and buttons, plans of one's own, and addresses."""

from __future__ import annotations

import io
import json
import tempfile
from typing import TYPE_CHECKING, Any

import ezdxf
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

    Open = Callable[..., AppTest]

SENSORS = ["ceiling_counter@2,1.9,2.7,0,0", "ceiling_counter@2,3.9,2.7,0,0"]


def drawing(size_mm: tuple[float, float] = (6000, 4000)) -> bytes:
    """Return a DXF of a rectangular room."""
    document = ezdxf.new(units=4)
    (x, y), text = size_mm, io.StringIO()
    document.modelspace().add_lwpolyline([(0, 0), (x, 0), (x, y), (0, y)], close=True, dxfattribs={"layer": "WALLS"})
    document.write(text)
    return text.getvalue().encode()


def drawn(app: AppTest) -> str:
    """Return the plan as it is drawn."""
    board = next(one.proto for one in app.main if getattr(one.proto, "component_name", "") == "plan_board")
    svg: str = json.loads(board.json)["svg"]
    return svg


def test_begins_with_a_worked_example(opened: Open) -> None:
    """The example's two sensors hang in the library's office, and the address says so."""
    app = opened()
    assert not app.exception
    assert not app.error
    assert app.query_params == {"plan": "office_doorway", "sensor": SENSORS}
    assert drawn(app).count('class="sensor"') == 2
    assert [metric.label for metric in app.metric] == ["At floor", "At seat", "At head"]


def test_a_slider_moves_the_selected_sensor(opened: Open) -> None:
    """Lowering a sensor makes its field smaller on the plan and stands in the address."""
    app = opened()
    before = float(app.metric[2].value.rstrip("%"))
    app.slider(key="plan_height_m").set_value(2.2).run()
    assert not app.exception
    assert app.query_params["sensor"][0] == "ceiling_counter@2,1.9,2.2,0,0"
    assert float(app.metric[2].value.rstrip("%")) < before


def test_sensors_are_added_removed_and_selected(opened: Open) -> None:
    """A new sensor hangs beside the selected one and is selected; removing it leaves the others."""
    app = opened()
    app.button(key="plan_add").click().run()
    assert len(app.query_params["sensor"]) == 3
    assert app.slider(key="plan_x_m").value == 3.0
    app.button(key="plan_remove").click().run()
    assert app.query_params["sensor"] == SENSORS
    app.segmented_control(key="plan_selected").set_value(0).run()
    assert app.slider(key="plan_y_m").value == 1.9
    app.button(key="plan_remove").click().run()
    assert app.query_params["sensor"] == SENSORS[1]
    assert app.button(key="plan_remove").disabled


def test_another_plan_hangs_its_own_sensor(opened: Open) -> None:
    """Choosing a plan begins with one sensor where the plan has it, with sliders that end at its walls."""
    app = opened()
    app.selectbox(key="plan_choice").set_value("shop_entrance").run()
    assert not app.exception
    assert app.query_params == {"plan": "shop_entrance", "sensor": "ceiling_counter@3,1.3,3,0,0"}
    assert app.slider(key="plan_x_m").max == 8.0


def test_a_drawing_is_shown_and_found_again_by_its_address(opened: Open) -> None:
    """An uploaded DXF becomes the plan, and the address of the page brings it back in another session."""
    app = opened()
    app.file_uploader(key="plan_upload").upload("flat.dxf", drawing()).run()
    assert not app.exception
    assert not app.error
    assert app.slider(key="plan_x_m").max == 6.0
    again = opened(**{key: app.query_params[key] for key in ("plan", "sensor")})
    assert not again.error
    assert again.query_params == app.query_params
    assert drawn(again) == drawn(app)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("flat.dxf", b"no drawing", "flat.dxf"),
        ("flat.dxf", drawing((60e6, 40e6)), "100 m"),
        ("flat.toml", b"[room]\nplan = '/etc/hosts.dxf'", "upload the drawing itself"),
        ("flat.toml", b"name = 3", "flat.toml"),
        ("flat.toml", b"\xff\x00", "UTF-8"),
        ("flat.toml", b"#" * 5_000_001, "5 MB"),
    ],
)
def test_a_bad_upload_is_one_line(opened: Open, name: str, content: bytes, said: str) -> None:
    """What cannot be used is told in one line that names no folder of the server; the plan stays as it was."""
    app = opened()
    app.file_uploader(key="plan_upload").upload(name, content).run()
    assert not app.exception
    assert len(app.error) == 1
    line = app.error[0].value.replace("\\", "")
    assert said in line
    assert "\n" not in line
    assert tempfile.gettempdir() not in line
    assert app.query_params["plan"] == "office_doorway"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"plan": "office_dorway", "sensor": SENSORS}, "known: "),
        ({"plan": "../../etc/passwd", "sensor": SENSORS}, "known: "),
        ({"plan": "0" * 32, "sensor": SENSORS}, "upload it again"),
        ({"plan": "office_doorway"}, "must be 1 to 8"),
        ({"plan": "office_doorway", "sensor": SENSORS * 5}, "must be 1 to 8"),
        ({"plan": "office_doorway", "sensor": "ceiling_counter@2,nan,2"}, "NODE@x,y,height,yaw,tilt"),
        ({"plan": "office_doorway", "sensor": "/etc/node.toml@2,2,2"}, "NODE@x,y,height,yaw,tilt"),
        ({"plan": "office_doorway", "sensor": "mask_camera@2,2,2"}, "known: ceiling_counter"),
        ({"plan": "office_doorway", "sensor": "ceiling_counter@2,2,2,0,91"}, "0 to 90"),
        ({"plan": "office_doorway", "sensor": SENSORS, "<b>": "1"}, "known: plan, sensor"),
    ],
)
def test_a_bad_address_is_one_line(opened: Open, address: dict[str, Any], said: str) -> None:
    """An address that says no design is told in one line, and the worked example is shown."""
    app = opened(**address)
    assert not app.exception
    assert len(app.error) == 1
    assert said in app.error[0].value.replace("\\", "")
    assert app.query_params == {"plan": "office_doorway", "sensor": SENSORS}


def test_a_sensor_outside_is_moved_inside(opened: Open) -> None:
    """A link whose sensor lies outside the room shows it at the wall and says so."""
    app = opened(plan="office_doorway", sensor="ceiling_counter@9,2,9")
    assert not app.exception
    assert "moved inside" in app.warning[0].value
    assert app.query_params["sensor"] == "ceiling_counter@4,2,2.7,0,0"


def test_remarks_tell_of_shared_fields(opened: Open) -> None:
    """Two sensors over the same floor are remarked on; apart they are not."""
    near = opened(plan="office_doorway", sensor=["ceiling_counter@2,2,2.7", "ceiling_counter@2.3,2,2.7"])
    assert any("share" in line.value for line in near.warning)
    apart = opened(plan="open_plan_day", sensor=["ceiling_counter@2,2,2.7", "ceiling_counter@9,6,2.7"])
    assert not any("share" in line.value for line in apart.warning)


@pytest.mark.parametrize("table", ["room", "corners", "doors", "walls", "things", "places"])
def test_every_table_can_be_opened(opened: Open, table: str) -> None:
    """A table that nobody has edited leaves the plan as it is."""
    app = opened()
    app.segmented_control(key="plan_table").set_value(table).run()
    assert not app.exception
    assert not app.error
    assert app.query_params["plan"] == "office_doorway"
