<?xml version="1.0" encoding="UTF-8"?>
<OpenGeoSysGLI xmlns:ogs="http://www.opengeosys.org">
  <name>box</name>
  <points>
    <point id="0" x="0" y="0" z="0"/>
    <point id="1" x="0" y="240" z="0"/>
    <point id="2" x="240" y="0" z="0"/>
    <point id="3" x="240" y="240" z="0"/>
    <point id="4" x="120" y="120" z="0" name="well"/>
  </points>
  <polylines>
    <polyline id="0" name="left"><pnt>0</pnt><pnt>1</pnt></polyline>
    <polyline id="1" name="right"><pnt>2</pnt><pnt>3</pnt></polyline>
  </polylines>
</OpenGeoSysGLI>
