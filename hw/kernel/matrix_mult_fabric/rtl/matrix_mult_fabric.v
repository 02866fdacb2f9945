// SPDX-License-Identifier: AGPL-3.0-or-later
// matrix_mult_fabric: out = a x b, SIZE x SIZE matrices, row-major; a and b int8, out int32; multipliers in LUTs and carry chains, no DSP48E1.
// Ports and registers as Vitis HLS makes them: a at 0x10, b at 0x1c, out_r at 0x28 (64-bit addresses, taken modulo 8).
// The work is done in matrix_mult_core. Memory error responses are ignored, as Vitis' RTL ignores them.
`default_nettype none
module matrix_mult_fabric #(
    parameter SIZE = 256,  // power of two, at least 2*CELLS
    parameter CELLS = 16   // multiplier-accumulators: a power of two, at least 4
) (
    input  wire        ap_clk,
    input  wire        ap_rst_n,
    output wire        m_axi_gmem_AWVALID,
    input  wire        m_axi_gmem_AWREADY,
    output wire [63:0] m_axi_gmem_AWADDR,
    output wire [0:0]  m_axi_gmem_AWID,
    output wire [7:0]  m_axi_gmem_AWLEN,
    output wire [2:0]  m_axi_gmem_AWSIZE,
    output wire [1:0]  m_axi_gmem_AWBURST,
    output wire [1:0]  m_axi_gmem_AWLOCK,
    output wire [3:0]  m_axi_gmem_AWCACHE,
    output wire [2:0]  m_axi_gmem_AWPROT,
    output wire [3:0]  m_axi_gmem_AWQOS,
    output wire [3:0]  m_axi_gmem_AWREGION,
    output wire [0:0]  m_axi_gmem_AWUSER,
    output wire        m_axi_gmem_WVALID,
    input  wire        m_axi_gmem_WREADY,
    output wire [63:0] m_axi_gmem_WDATA,
    output wire [7:0]  m_axi_gmem_WSTRB,
    output wire        m_axi_gmem_WLAST,
    output wire [0:0]  m_axi_gmem_WID,
    output wire [0:0]  m_axi_gmem_WUSER,
    output wire        m_axi_gmem_ARVALID,
    input  wire        m_axi_gmem_ARREADY,
    output wire [63:0] m_axi_gmem_ARADDR,
    output wire [0:0]  m_axi_gmem_ARID,
    output wire [7:0]  m_axi_gmem_ARLEN,
    output wire [2:0]  m_axi_gmem_ARSIZE,
    output wire [1:0]  m_axi_gmem_ARBURST,
    output wire [1:0]  m_axi_gmem_ARLOCK,
    output wire [3:0]  m_axi_gmem_ARCACHE,
    output wire [2:0]  m_axi_gmem_ARPROT,
    output wire [3:0]  m_axi_gmem_ARQOS,
    output wire [3:0]  m_axi_gmem_ARREGION,
    output wire [0:0]  m_axi_gmem_ARUSER,
    input  wire        m_axi_gmem_RVALID,
    output wire        m_axi_gmem_RREADY,
    input  wire [63:0] m_axi_gmem_RDATA,
    input  wire        m_axi_gmem_RLAST,
    input  wire [0:0]  m_axi_gmem_RID,
    input  wire [0:0]  m_axi_gmem_RUSER,
    input  wire [1:0]  m_axi_gmem_RRESP,
    input  wire        m_axi_gmem_BVALID,
    output wire        m_axi_gmem_BREADY,
    input  wire [1:0]  m_axi_gmem_BRESP,
    input  wire [0:0]  m_axi_gmem_BID,
    input  wire [0:0]  m_axi_gmem_BUSER,
    input  wire        s_axi_CTRL_AWVALID,
    output wire        s_axi_CTRL_AWREADY,
    input  wire [5:0]  s_axi_CTRL_AWADDR,
    input  wire        s_axi_CTRL_WVALID,
    output wire        s_axi_CTRL_WREADY,
    input  wire [31:0] s_axi_CTRL_WDATA,
    input  wire [3:0]  s_axi_CTRL_WSTRB,
    input  wire        s_axi_CTRL_ARVALID,
    output wire        s_axi_CTRL_ARREADY,
    input  wire [5:0]  s_axi_CTRL_ARADDR,
    output wire        s_axi_CTRL_RVALID,
    input  wire        s_axi_CTRL_RREADY,
    output wire [31:0] s_axi_CTRL_RDATA,
    output wire [1:0]  s_axi_CTRL_RRESP,
    output wire        s_axi_CTRL_BVALID,
    input  wire        s_axi_CTRL_BREADY,
    output wire [1:0]  s_axi_CTRL_BRESP,
    output wire        interrupt
);
    localparam [1:0] IDLE = 0, BEGIN = 1, WORK = 2, DONE = 3;

    reg reset;
    always @(posedge ap_clk) reset <= !ap_rst_n;

    // control
    wire [9*32-1:0] args;
    wire [63:0] arg_a = args[0*32 +: 64];
    wire [63:0] arg_b = args[3*32 +: 64];
    wire [63:0] arg_out = args[6*32 +: 64];
    wire ap_start, core_idle;
    reg [1:0] state;

    kernel_control #(.ADDR_WIDTH(6), .ARG_WORDS(9), .RESERVED(9'b1_0010_0100)) control (
        .clk(ap_clk), .reset(reset),
        .s_axi_AWVALID(s_axi_CTRL_AWVALID), .s_axi_AWREADY(s_axi_CTRL_AWREADY), .s_axi_AWADDR(s_axi_CTRL_AWADDR),
        .s_axi_WVALID(s_axi_CTRL_WVALID), .s_axi_WREADY(s_axi_CTRL_WREADY), .s_axi_WDATA(s_axi_CTRL_WDATA),
        .s_axi_WSTRB(s_axi_CTRL_WSTRB), .s_axi_BRESP(s_axi_CTRL_BRESP), .s_axi_BVALID(s_axi_CTRL_BVALID),
        .s_axi_BREADY(s_axi_CTRL_BREADY), .s_axi_ARVALID(s_axi_CTRL_ARVALID), .s_axi_ARREADY(s_axi_CTRL_ARREADY),
        .s_axi_ARADDR(s_axi_CTRL_ARADDR), .s_axi_RVALID(s_axi_CTRL_RVALID), .s_axi_RREADY(s_axi_CTRL_RREADY),
        .s_axi_RDATA(s_axi_CTRL_RDATA), .s_axi_RRESP(s_axi_CTRL_RRESP),
        .interrupt(interrupt), .args(args), .ap_start(ap_start),
        .ap_done(state == DONE), .ap_ready(state == DONE), .ap_idle(state == IDLE && !ap_start)
    );

    always @(posedge ap_clk)
        if (reset) state <= IDLE;
        else
            case (state)
                IDLE: if (ap_start) state <= BEGIN;
                BEGIN: state <= WORK;
                WORK: if (core_idle) state <= DONE;
                default: state <= IDLE;
            endcase

    matrix_mult_core #(.SIZE(SIZE), .CELLS(CELLS), .FABRIC(1)) core (
        .clk(ap_clk), .reset(reset), .start(state == BEGIN), .idle(core_idle),
        .address_a(arg_a), .address_b(arg_b), .address_out(arg_out),
        .m_axi_AWVALID(m_axi_gmem_AWVALID), .m_axi_AWREADY(m_axi_gmem_AWREADY), .m_axi_AWADDR(m_axi_gmem_AWADDR),
        .m_axi_AWLEN(m_axi_gmem_AWLEN), .m_axi_WVALID(m_axi_gmem_WVALID), .m_axi_WREADY(m_axi_gmem_WREADY),
        .m_axi_WDATA(m_axi_gmem_WDATA), .m_axi_WLAST(m_axi_gmem_WLAST),
        .m_axi_BVALID(m_axi_gmem_BVALID), .m_axi_BREADY(m_axi_gmem_BREADY),
        .m_axi_ARVALID(m_axi_gmem_ARVALID), .m_axi_ARREADY(m_axi_gmem_ARREADY), .m_axi_ARADDR(m_axi_gmem_ARADDR),
        .m_axi_ARLEN(m_axi_gmem_ARLEN), .m_axi_RVALID(m_axi_gmem_RVALID), .m_axi_RREADY(m_axi_gmem_RREADY),
        .m_axi_RDATA(m_axi_gmem_RDATA)
    );

    // constant signals: ID 0, INCR bursts of full words, normal bufferable memory
    assign m_axi_gmem_AWID = 1'b0;
    assign m_axi_gmem_AWSIZE = 3'd3;
    assign m_axi_gmem_AWBURST = 2'b01;
    assign m_axi_gmem_AWLOCK = 2'b00;
    assign m_axi_gmem_AWCACHE = 4'b0011;
    assign m_axi_gmem_AWPROT = 3'b000;
    assign m_axi_gmem_AWQOS = 4'd0;
    assign m_axi_gmem_AWREGION = 4'd0;
    assign m_axi_gmem_AWUSER = 1'b0;
    assign m_axi_gmem_WSTRB = 8'b1111_1111;
    assign m_axi_gmem_WID = 1'b0;
    assign m_axi_gmem_WUSER = 1'b0;
    assign m_axi_gmem_ARID = 1'b0;
    assign m_axi_gmem_ARSIZE = 3'd3;
    assign m_axi_gmem_ARBURST = 2'b01;
    assign m_axi_gmem_ARLOCK = 2'b00;
    assign m_axi_gmem_ARCACHE = 4'b0011;
    assign m_axi_gmem_ARPROT = 3'b000;
    assign m_axi_gmem_ARQOS = 4'd0;
    assign m_axi_gmem_ARREGION = 4'd0;
    assign m_axi_gmem_ARUSER = 1'b0;

    wire unused = &{1'b0, m_axi_gmem_RID, m_axi_gmem_RUSER, m_axi_gmem_RRESP, m_axi_gmem_RLAST,
                    m_axi_gmem_BRESP, m_axi_gmem_BID, m_axi_gmem_BUSER};
endmodule
`default_nettype wire
