// SPDX-License-Identifier: AGPL-3.0-or-later
// Test top: PS7 M_AXI_GP0 (AXI3, shown with AXI4 widths because the bus models know AXI4 only) through shell_reset,
// shell_gp_to_axil and shell_axil_mux to two AXI4-Lite slaves at 0x40000000 and 0x43c10000.
`default_nettype none
module control_path (
    input  wire        clk,
    input  wire        ext_reset_n,
    output wire        reset_n,
    input  wire [11:0] s_AWID,
    input  wire [31:0] s_AWADDR,
    input  wire [7:0]  s_AWLEN,
    input  wire [2:0]  s_AWSIZE,
    input  wire [1:0]  s_AWBURST,
    input  wire        s_AWVALID,
    output wire        s_AWREADY,
    input  wire [31:0] s_WDATA,
    input  wire [3:0]  s_WSTRB,
    input  wire        s_WLAST,
    input  wire        s_WVALID,
    output wire        s_WREADY,
    output wire [11:0] s_BID,
    output wire [1:0]  s_BRESP,
    output wire        s_BVALID,
    input  wire        s_BREADY,
    input  wire [11:0] s_ARID,
    input  wire [31:0] s_ARADDR,
    input  wire [7:0]  s_ARLEN,
    input  wire [2:0]  s_ARSIZE,
    input  wire [1:0]  s_ARBURST,
    input  wire        s_ARVALID,
    output wire        s_ARREADY,
    output wire [11:0] s_RID,
    output wire [31:0] s_RDATA,
    output wire [1:0]  s_RRESP,
    output wire        s_RLAST,
    output wire        s_RVALID,
    input  wire        s_RREADY,
`define SLAVE(p) \
    output wire [31:0] p``_AWADDR, output wire p``_AWVALID, input wire p``_AWREADY, output wire [31:0] p``_WDATA, \
    output wire [3:0] p``_WSTRB, output wire p``_WVALID, input wire p``_WREADY, input wire [1:0] p``_BRESP, input wire p``_BVALID, \
    output wire p``_BREADY, output wire [31:0] p``_ARADDR, output wire p``_ARVALID, input wire p``_ARREADY, \
    input wire [31:0] p``_RDATA, input wire [1:0] p``_RRESP, input wire p``_RVALID, output wire p``_RREADY
    `SLAVE(m0),
    `SLAVE(m1)
);
    wire [31:0] awaddr, wdata, araddr, rdata;
    wire [3:0] wstrb;
    wire [1:0] bresp, rresp;
    wire awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready;

    shell_reset #(.HOLD(16)) reset (.clk(clk), .ext_reset_n(ext_reset_n), .reset_n(reset_n));

    shell_gp_to_axil #(.ID_WIDTH(12)) bridge (
        .clk(clk), .reset_n(reset_n),
        .s_axi_AWID(s_AWID), .s_axi_AWADDR(s_AWADDR), .s_axi_AWLEN(s_AWLEN[3:0]), .s_axi_AWSIZE(s_AWSIZE[1:0]), .s_axi_AWBURST(s_AWBURST),
        .s_axi_AWVALID(s_AWVALID), .s_axi_AWREADY(s_AWREADY), .s_axi_WDATA(s_WDATA), .s_axi_WSTRB(s_WSTRB), .s_axi_WLAST(s_WLAST),
        .s_axi_WVALID(s_WVALID), .s_axi_WREADY(s_WREADY), .s_axi_BID(s_BID), .s_axi_BRESP(s_BRESP), .s_axi_BVALID(s_BVALID),
        .s_axi_BREADY(s_BREADY), .s_axi_ARID(s_ARID), .s_axi_ARADDR(s_ARADDR), .s_axi_ARLEN(s_ARLEN[3:0]), .s_axi_ARSIZE(s_ARSIZE[1:0]),
        .s_axi_ARBURST(s_ARBURST), .s_axi_ARVALID(s_ARVALID), .s_axi_ARREADY(s_ARREADY), .s_axi_RID(s_RID), .s_axi_RDATA(s_RDATA),
        .s_axi_RRESP(s_RRESP), .s_axi_RLAST(s_RLAST), .s_axi_RVALID(s_RVALID), .s_axi_RREADY(s_RREADY),
        .m_axi_AWADDR(awaddr), .m_axi_AWVALID(awvalid), .m_axi_AWREADY(awready), .m_axi_WDATA(wdata), .m_axi_WSTRB(wstrb),
        .m_axi_WVALID(wvalid), .m_axi_WREADY(wready), .m_axi_BRESP(bresp), .m_axi_BVALID(bvalid), .m_axi_BREADY(bready),
        .m_axi_ARADDR(araddr), .m_axi_ARVALID(arvalid), .m_axi_ARREADY(arready), .m_axi_RDATA(rdata), .m_axi_RRESP(rresp),
        .m_axi_RVALID(rvalid), .m_axi_RREADY(rready)
    );
    shell_axil_mux #(.N(2), .BASES({32'h43c1_0000, 32'h4000_0000}), .WINDOW_BITS(16)) mux (
        .clk(clk), .reset_n(reset_n),
        .s_axi_AWADDR(awaddr), .s_axi_AWVALID(awvalid), .s_axi_AWREADY(awready), .s_axi_WDATA(wdata), .s_axi_WSTRB(wstrb),
        .s_axi_WVALID(wvalid), .s_axi_WREADY(wready), .s_axi_BRESP(bresp), .s_axi_BVALID(bvalid), .s_axi_BREADY(bready),
        .s_axi_ARADDR(araddr), .s_axi_ARVALID(arvalid), .s_axi_ARREADY(arready), .s_axi_RDATA(rdata), .s_axi_RRESP(rresp),
        .s_axi_RVALID(rvalid), .s_axi_RREADY(rready),
        .m_axi_AWADDR({m1_AWADDR, m0_AWADDR}), .m_axi_AWVALID({m1_AWVALID, m0_AWVALID}), .m_axi_AWREADY({m1_AWREADY, m0_AWREADY}),
        .m_axi_WDATA({m1_WDATA, m0_WDATA}), .m_axi_WSTRB({m1_WSTRB, m0_WSTRB}), .m_axi_WVALID({m1_WVALID, m0_WVALID}),
        .m_axi_WREADY({m1_WREADY, m0_WREADY}), .m_axi_BRESP({m1_BRESP, m0_BRESP}), .m_axi_BVALID({m1_BVALID, m0_BVALID}),
        .m_axi_BREADY({m1_BREADY, m0_BREADY}), .m_axi_ARADDR({m1_ARADDR, m0_ARADDR}), .m_axi_ARVALID({m1_ARVALID, m0_ARVALID}),
        .m_axi_ARREADY({m1_ARREADY, m0_ARREADY}), .m_axi_RDATA({m1_RDATA, m0_RDATA}), .m_axi_RRESP({m1_RRESP, m0_RRESP}),
        .m_axi_RVALID({m1_RVALID, m0_RVALID}), .m_axi_RREADY({m1_RREADY, m0_RREADY})
    );
endmodule
`default_nettype wire
